package main

const word = "hello"

// reply is the code that a user is likely to edit.
func reply(message string) string { return word + ", " + message }
