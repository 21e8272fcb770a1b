// Twins of the shipped initial values of prompts: what the user has already.
import { Dict } from '../run/values.ts';
import { attribute, getOr, type Twin } from './twin.ts';

const own =
  (name: string): Twin =>
  ({ call }) =>
    attribute(call.names['user'], name);

/** default-user-settings-field-… */
export const username = own('username');
export const name = own('name');
export const email = own('email');

/** default-user-settings-field-locale */
export const locale: Twin = async ({ call }) => {
  const attributes = await attribute(call.names['user'], 'attributes');
  if (!(attributes instanceof Dict)) return undefined;
  const settings = getOr(attributes, 'settings', new Dict());
  return settings instanceof Dict ? getOr(settings, 'locale', '') : undefined;
};
