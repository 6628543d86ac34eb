"""Calls AWS: the only package with the AWS SDK, one AWS service a module; model in, model out."""
