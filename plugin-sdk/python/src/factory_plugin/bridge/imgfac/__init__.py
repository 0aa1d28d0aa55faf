"""What plugins of Image Factory import as `imgfac`: the same names with the same behaviour, over an operation of ours.

Written from the record of how Image Factory 1.1 behaves. `factory_plugin.bridge.shim.install` makes it importable as `imgfac`.
"""
