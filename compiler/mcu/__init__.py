"""Microcontrollers: a graph becomes C, which runs on the host and on emulated boards.

`scheduler.make_schedule` decides what a build does, `sources.pieces` prints it, and `runner` compiles and runs a
finished build.
"""
