// Entry `@gatehouse/ldap`. Users: the command.
export { ldapConfig } from './config.ts';
export { runLdapDaemon } from './main.ts';
