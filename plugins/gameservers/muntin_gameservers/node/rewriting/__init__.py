"""Writing a server's settings into its own configuration files before it starts.

errors, replacing      what is replaced by what
lines                  parsers `file`, `properties`, `ini`
documents, paths       parsers `json`, `yaml`, `toml`
xml_documents          parser `xml`
configuration_files    reads and writes the files, confined to the server's folder
"""
