"""How a topology comes in, changes and goes: the requests of the `tandem` command and of CloudFormation."""
