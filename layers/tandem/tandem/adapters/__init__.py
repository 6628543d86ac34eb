"""The only place with boto3: one AWS service a module; model in, model out."""
