// Entry of the testing part.
export {};
