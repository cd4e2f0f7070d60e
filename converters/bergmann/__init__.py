"""From the folders a rig leaves behind to a published, trusted NWB dataset."""

__version__ = "0.1.0"
