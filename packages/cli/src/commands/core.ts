// Commands of the core that administrators type without its name.
export const coreShortcuts: Readonly<Record<string, string>> = {
  recovery: 'Print a link that logs a user in once: recovery <user> [minutes].',
  apply: 'Apply blueprints: apply <file>... [--dry-run].',
  users: 'Take over users with their passwords: users import <file> [--format=ldif|glauth|csv] [--update] [--dry-run].',
  backup: 'Copy the whole data folder, as of one moment, while everything runs: backup <folder>.',
  doctor: 'Look for what is wrong, and say what to do about it.',
};
