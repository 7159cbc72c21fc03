"""All buildings of a district: their state, their plan and limits, the documents to and from them."""
