// Entry `@gatehouse/ldap`. Users: the command.
export { ldapCommands } from './commands/run.ts';
export { ldapConfig } from './config.ts';
export { runLdapDaemon } from './main.ts';
