"""``python -m bergmann`` is the command line."""

from bergmann.cli import main

if __name__ == "__main__":
    main()
