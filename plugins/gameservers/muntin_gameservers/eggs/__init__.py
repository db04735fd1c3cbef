"""The egg library: game definitions as panels exchange them, read, written, checked and filled in.

Pure functions over frozen dataclasses; no database, no HTTP, nothing of the panel.

    definition   what an egg is
    reading      bytes -> EggDefinition, bounded
    writing      EggDefinition -> bytes, in any of the five formats
    rules        what the value of a variable must look like
    templating   start command and configuration files of one server
    advice       what an administrator should know of an imported egg
    catalogue    our own eggs
"""
