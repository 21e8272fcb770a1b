// Entry of the workspace.
export {};
