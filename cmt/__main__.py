"""`python -m cmt`: the command line, for torchrun and where no script is on the path."""

from cmt.cli import main

main()
