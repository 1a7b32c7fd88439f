package debugger

// Supported tells whether workers can wait for a debugger on this system, and be attached to.
const Supported = true
