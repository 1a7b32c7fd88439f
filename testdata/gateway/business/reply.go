package main

const word = "hello"

// reply is what is likely to be edited.
func reply(message string) string { return word + ", " + message }
