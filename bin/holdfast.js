#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
console.log(process.version, process.argv.slice(2));
