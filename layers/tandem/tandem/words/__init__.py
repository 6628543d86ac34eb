"""The sentences of notifications: one function per kind of event; the details are what the schemas say."""
