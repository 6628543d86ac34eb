"""The `tandem` command: for people, never in a Lambda function."""
