// `authentik_crypto.certificatekeypair` (core.md §9.4).
import { sql } from 'kysely';
import { z } from 'zod';
import { column, line, text } from '../models/field.ts';
import { exactly, isTruthText } from '../models/filters.ts';
import { defineModel, type Row, type Values } from '../models/model.ts';
import { readFacts } from './certificates.ts';

const derived = { readOnly: true, initial: undefined } as const;

export const certificateModel = defineModel({
  id: 'authentik_crypto.certificatekeypair',
  noun: 'CertificateKeyPair',
  nouns: 'Certificate-Key Pairs',
  table: 'certificates',
  key: 'uuid',
  keyType: 'uuid',
  path: '/crypto/certificatekeypairs/',
  fields: {
    name: column('name', line),
    certificate_data: column('certificate_data', line, { hidden: true }),
    key_data: column('key_data', text, { initial: '', hidden: true }),
    fingerprint_sha256: column('fingerprint_sha256', text, derived),
    fingerprint_sha1: column('fingerprint_sha1', text, derived),
    cert_expiry: column('cert_expiry', z.date(), derived),
    cert_subject: column('cert_subject', text, derived),
    key_type: column('key_type', text.nullable(), derived),
    managed: column('managed', z.string().nullable(), { initial: null }),
  },
  permissions: ['view_certificatekeypair_certificate', 'view_certificatekeypair_key'],
  search: ['name'],
  order: ['name'],
  filters: {
    name: exactly('name'),
    managed: exactly('managed'),
    key_type: exactly('key_type'),
    has_key: ([value = '']) => (isTruthText(value) ? sql<boolean>`key_data <> ''` : sql<boolean>`key_data = ''`),
  },
  async prepare(_unit, values, existing) {
    const given = withoutEmpty(values);
    const certificate = given['certificate_data'] ?? existing?.['certificate_data'];
    const key = given['key_data'] ?? existing?.['key_data'] ?? '';
    return { ...given, ...readFacts(String(certificate), String(key)) };
  },
  derived: {
    private_key_available: z.boolean(),
    certificate_download_url: z.string(),
    private_key_download_url: z.string(),
  },
  async derive({ webPath }, rows) {
    return rows.map((row) => ({
      private_key_available: row['key_data'] !== '',
      certificate_download_url: downloadUrl(webPath, row, 'view_certificate'),
      private_key_download_url: downloadUrl(webPath, row, 'view_private_key'),
    }));
  },
});

/** Facts are computed below, so that the placeholders of new rows go. */
function withoutEmpty(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

const downloadUrl = (webPath: string, row: Row, action: string) =>
  `${webPath}api/v3/crypto/certificatekeypairs/${String(row['uuid'])}/${action}/?download`;
