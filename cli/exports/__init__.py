"""Makes what other tools read of a compliance report's JSON: JUnit XML, SARIF, OCSF."""
