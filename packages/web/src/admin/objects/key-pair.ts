// A certificate of one's own with its key, made by the core.
import { html } from 'lit';
import type { Api } from '../../call/api.ts';
import type { Question, Values } from '../../elements/dialog.ts';
import { inputField } from '../../elements/field.ts';

export function generateKeyPair(api: Api): Question {
  return {
    title: 'Generate a certificate',
    action: 'Generate',
    work: ({ common_name, subject_alt_name, validity_days }: Values) =>
      api.send('POST', '/crypto/certificatekeypairs/generate/', {
        common_name,
        subject_alt_name,
        validity_days: Number(validity_days),
      }),
    body: html`${inputField({ name: 'common_name', label: 'Name', required: true, placeholder: 'ldap.example.org' })}
    ${inputField({ name: 'subject_alt_name', label: 'Host names, with commas between', placeholder: 'ldap.example.org' })}
    ${inputField({ name: 'validity_days', label: 'Days that it is valid', value: '365', required: true, inputMode: 'numeric' })}`,
  };
}
