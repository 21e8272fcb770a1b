// Helpers that start daemons for tests.
export {};
