"""The pages of game servers.

view         what every page of one server shows: heading, tabs
variables    an egg's variables as fields of a form, and back
server_*     the pages of one server
admin_*      servers, eggs and ports, for administrators
cards        what other pages show of game servers
"""
