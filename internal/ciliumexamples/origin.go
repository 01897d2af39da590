package ciliumexamples

// Origin says whose C sources the generated packages are made from. Command overlay has another
// file in the place of this one.
const Origin = Own

// Own is the Origin of the packages that are committed.
const Own = "this project"
