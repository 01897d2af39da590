package ciliumexamples

// Origin names the C sources of the generated packages. Command overlay replaces this file.
const Origin = Own

// Own is the Origin of the committed packages.
const Own = "this project"
