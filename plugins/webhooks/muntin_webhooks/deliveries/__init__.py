"""What was or is to be sent: recording, log, redelivery, replay, figures."""
