package main

const word = "one"
