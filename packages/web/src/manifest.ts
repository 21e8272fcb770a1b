// Where the built browser files are and what they are called.
export {};
