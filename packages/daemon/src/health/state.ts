// What a process says about itself: one state per component, the worst of them for the whole (core-contract B12).

export type ComponentState = 'ready' | 'starting' | 'degraded' | 'failed';

export interface HealthStatus {
  /** Ready when every component is, and at least one has reported. */
  readonly ready: boolean;
  readonly components: Readonly<Record<string, { readonly state: ComponentState; readonly reason?: string }>>;
}

export interface Health {
  set(component: string, status: { readonly state: ComponentState; readonly reason?: string }): void;
  status(): HealthStatus;
}

export function createHealth(): Health {
  const components = new Map<string, { state: ComponentState; reason?: string }>();
  return {
    set: (component, status) => void components.set(component, status),
    status() {
      const states = [...components.values()];
      return {
        ready: states.length > 0 && states.every(({ state }) => state === 'ready'),
        components: Object.fromEntries(components),
      };
    },
  };
}
