"""The sender: from stored deliveries to answers of receivers."""
