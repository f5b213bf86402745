"""Many galaxies: the rows of a catalogue, the targets of a list."""
