"""What the lab states of the animal: populations, receptors, vectors, procedures, drugs."""
