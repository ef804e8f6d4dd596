"""Run the command as `python -m askew`."""

from askew.cli import main

if __name__ == "__main__":
    main()
