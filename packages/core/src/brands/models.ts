// `authentik_brands.brand` (core.md §9.5).
import { z } from 'zod';
import {
  column,
  type Field,
  fileField,
  flag,
  jsonColumn,
  line,
  reference,
  setting,
  settingReferences,
  text,
} from '../models/field.ts';
import { exactly, isTrue } from '../models/filters.ts';
import { defineModel } from '../models/model.ts';

const flow = (name: string): Field =>
  name === 'flow_authentication' || name === 'flow_invalidation'
    ? reference({ name, in: 'column', table: 'flows', key: 'uuid' })
    : reference({ name, in: 'setting', table: 'flows', key: 'uuid' });

export const brandModel = defineModel({
  id: 'authentik_brands.brand',
  noun: 'Brand',
  nouns: 'Brands',
  table: 'brands',
  key: 'uuid',
  keyType: 'uuid',
  path: '/core/brands/',
  fields: {
    domain: column('domain', line),
    default: column('default', flag, { initial: false }),
    branding_title: setting(text, { initial: 'authentik' }),
    branding_logo: fileField(setting(text, { initial: '/static/dist/assets/icons/icon_left_brand.svg' })),
    branding_favicon: fileField(setting(text, { initial: '/static/dist/assets/icons/icon.png' })),
    branding_custom_css: setting(text, { initial: '' }),
    branding_default_flow_background: fileField(
      setting(text, { initial: '/static/dist/assets/images/flow_background.jpg' }),
    ),
    flow_authentication: flow('flow_authentication'),
    flow_invalidation: flow('flow_invalidation'),
    flow_recovery: flow('flow_recovery'),
    flow_unenrollment: flow('flow_unenrollment'),
    flow_user_settings: flow('flow_user_settings'),
    flow_device_code: flow('flow_device_code'),
    flow_lockdown: flow('flow_lockdown'),
    default_application: reference({
      name: 'default_application',
      in: 'setting',
      table: 'applications',
      key: 'pbm_uuid',
    }),
    web_certificate: reference({ name: 'web_certificate', in: 'setting', table: 'certificates', key: 'uuid' }),
    client_certificates: settingReferences({ table: 'certificates', key: 'uuid' }),
    attributes: jsonColumn('attributes', { initial: {} }),
  },
  search: ['domain'],
  order: ['domain'],
  filters: { domain: exactly('domain'), default: isTrue('default'), brand_uuid: exactly('uuid') },
  derived: { brand_uuid: z.uuid() },
  async derive(_deps, rows) {
    return rows.map((row) => ({ brand_uuid: row['uuid'] }));
  },
});
