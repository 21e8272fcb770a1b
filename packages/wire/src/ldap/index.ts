// Entry `@gatehouse/wire/ldap`.
export {};
