"""The Python interface: what the command line and the app do goes through it."""
