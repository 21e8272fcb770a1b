// Front-channel logout (core.md §17.7, flow-executor.md §12): the page loads the logout address of each client in a hidden
// frame and then goes on by itself. Put in by code only.
import type { LogoutUrl } from '@gatehouse/contract/flow';
import { z } from 'zod';
import { setting } from '../models/field.ts';
import { frontchannelLogoutKind } from '../oidc/frontchannel-logout.ts';
import { ok, type StageKind, stageModel } from './stage.ts';

const text = z.string().nullable();
const urls: z.ZodType<readonly LogoutUrl[]> = z.array(
  z.object({
    url: z.string(),
    provider_name: text,
    binding: text,
    saml_request: text,
    saml_response: text,
    saml_relay_state: text,
  }),
);

export const frontchannelLogoutStage: StageKind = {
  model: stageModel({
    id: frontchannelLogoutKind,
    noun: 'Frontchannel Logout Stage',
    path: 'frontchannel_logout',
    component: '',
    fields: { logout_urls: setting(urls, { initial: [] }) },
  }),
  async show({ settings }) {
    const logout_urls = urls.parse(settings['logout_urls']);
    return { step: 'show', challenge: { component: 'ak-provider-iframe-logout', logout_urls } };
  },
  answer: async () => ok,
};
