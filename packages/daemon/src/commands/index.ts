// Entry `@gatehouse/daemon/commands`: words after a daemon's name that do something else than run it, as data. Daemons list
// theirs, the gatehouse command prints the list and runs them.

/** What a command is given of the process it runs in. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Result, as it is, without a line end of its own. */
  readonly print: (text: string) => void;
  /** Trouble, likewise. */
  readonly complain: (text: string) => void;
}

export interface Command {
  /** What follows the word, such as `<user> [minutes]`; empty for nothing. */
  readonly usage: string;
  /** A line for the help. */
  readonly summary: string;
  /**
   * @param words what followed the command's own
   * @returns exit code, or that the words are not as `usage` says
   * @throws GatewayError what the user can mend
   */
  readonly run: (words: readonly string[], terminal: Terminal) => Promise<number | 'usage'>;
}

/** Commands by their word. */
export type Commands = Readonly<Record<string, Command>>;
