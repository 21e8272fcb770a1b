#!/usr/bin/env node
// The gatehouse command: hands over to the daemons.
export {};
