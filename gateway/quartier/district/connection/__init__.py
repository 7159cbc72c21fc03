"""Connect to the brokers of the district: addresses, TLS, credentials, MQTT sessions."""
