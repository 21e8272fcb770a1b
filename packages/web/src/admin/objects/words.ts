// How fields are called in forms, and what has to be known to fill them in. Fields that are not here are called by their name.

const labels: Readonly<Record<string, string>> = {
  base_dn: 'Base DN',
  branding_custom_css: 'Styles (CSS)',
  branding_default_flow_background: 'Background',
  branding_favicon: 'Icon of the tab',
  branding_logo: 'Logo',
  branding_title: 'Title',
  default: 'For every other host',
  domain: 'Host',
  email: 'E-mail address',
  engine_mode: 'Policies',
  gid_start_number: 'First gidNumber',
  is_active: 'Active',
  is_superuser: 'Superusers',
  key_data: 'Private key',
  certificate_data: 'Certificate',
  meta_description: 'Description',
  meta_icon: 'Icon',
  meta_launch_url: 'Address to open',
  meta_publisher: 'Publisher',
  mfa_support: 'Codes of a second factor behind the password',
  policy_engine_mode: 'How many policies have to agree',
  re_evaluate_policies: 'Ask the policies when the stage is reached',
  evaluate_on_plan: 'Ask the policies when the flow is planned',
  redirect_uris: 'Redirect URIs',
  sub_mode: 'Subject',
  title: 'Title on the page',
  uid_start_number: 'First uidNumber',
  username: 'User name',
  wifi_secrets: 'Wi-Fi secrets',
};

const helps: Readonly<Record<string, string>> = {
  access_code_validity: 'hours=1;minutes=2;seconds=3',
  access_token_validity: 'hours=1;minutes=2;seconds=3',
  attributes: 'JSON, for applications and policies to read.',
  client_networks: 'Where requests may come from, as networks with commas between: 10.0.0.0/8, fd00::/8',
  content: 'A blueprint, where no path is given.',
  expression: 'A restricted Python; it returns its result.',
  is_superuser: 'Members may do everything.',
  order: 'Small numbers come first.',
  path: 'Segments with slashes between.',
  providers: 'What the outpost serves.',
  redirect_uris: 'One a line. "regex" in front of one makes it a pattern, "logout" lets a logout end there.',
  refresh_token_validity: 'days=30',
  skip_path_regex: 'Paths that need no login, one pattern a line.',
  slug: 'Letters, numbers, hyphens and underscores; part of addresses.',
};

/** `Access token validity`. */
export function labelOf(name: string, noun = ''): string {
  if (noun === 'User' && name === 'name') return 'Full name';
  const words = name.replaceAll('_', ' ');
  return labels[name] ?? words.charAt(0).toUpperCase() + words.slice(1);
}

export function helpOf(name: string): string | undefined {
  return helps[name];
}

/** `always_create` and the like, as words. */
export function choiceText(value: string): string {
  return /^[a-z0-9_]+$/.test(value) ? value.replaceAll('_', ' ') : value;
}
