"""The command line: options and printing only, a module for each command."""

from cmt.cli.analyze import analyze
from cmt.cli.app import main
from cmt.cli.describe import describe
from cmt.cli.doctor import doctor
from cmt.cli.evaluate import evaluate
from cmt.cli.generate import generate
from cmt.cli.index import index
from cmt.cli.loss import loss
from cmt.cli.match import match
from cmt.cli.open_app import open_app
from cmt.cli.prepare import prepare
from cmt.cli.render import render
from cmt.cli.sample import sample
from cmt.cli.sounds import sounds
from cmt.cli.tools import tools
from cmt.cli.train import train

COMMANDS = (
    *(generate, open_app, describe, analyze, evaluate, render, index, match),
    *(prepare, train, loss, sample, sounds, tools, doctor),
)
for command in COMMANDS:
    main.add_command(command)

__all__ = ["main"]
