package debugger

// Supported tells whether workers on this system can wait for a debugger, and dlv can attach to workers.
const Supported = true
