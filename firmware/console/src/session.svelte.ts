// Who is signed in, and which pages that person has.

import { Refusal, get, post, watchRefusals } from './api/client';
import type { Person, Role } from './api/types';
import { language } from './language.svelte';

type Stage = 'asking' | 'unreachable' | 'signed_out' | 'must_change' | 'signed_in';

let person = $state<Person | null>(null);
let stage = $state<Stage>('asking');

/** The role may be several words, as the first administrator's is (operator+administrator). */
function roles(of: Person | null): Set<Role> {
  return new Set((of?.role ?? '').split(/[^a-z]+/).filter(Boolean) as Role[]);
}

function enter(answer: Person | { person: Person }): void {
  const entering = 'person' in answer ? answer.person : answer;
  person = entering;
  stage = entering.must_change_password ? 'must_change' : 'signed_in';
  if (entering.language && !language.chosen) void language.use(entering.language, false);
}

watchRefusals((refusal: Refusal) => {
  if (refusal.status === 401 && stage !== 'asking') {
    person = null;
    stage = 'signed_out';
  }
  if (refusal.code === 'must_change_password') stage = 'must_change';
});

export const session = {
  get person(): Person | null {
    return person;
  },
  get stage(): Stage {
    return stage;
  },
  is(...any: Role[]): boolean {
    const own = roles(person);
    return any.some((role) => own.has(role));
  },
  /** Only a seat of one's own: the agent's face. */
  get onlyAgent(): boolean {
    const own = roles(person);
    return own.size === 1 && own.has('agent');
  },

  async ask(): Promise<void> {
    try {
      enter(await get<Person | { person: Person }>('/me'));
    } catch (refusal) {
      if (refusal instanceof Refusal && refusal.code === 'must_change_password') return;
      const silent = refusal instanceof Refusal && (refusal.status === 0 || refusal.status >= 500);
      // A page that stands stays: its banner says that the box does not answer.
      if (silent && person) return;
      stage = silent ? 'unreachable' : 'signed_out';
      if (silent) setTimeout(() => void session.ask(), 2000);
    }
  },
  async signIn(name: string, password: string): Promise<void> {
    enter(await post<{ person: Person }>('/login', { name, password }));
  },
  async changePassword(old: string, fresh: string): Promise<void> {
    await post('/me/password', { old, new: fresh });
    await session.ask();
  },
  async signOut(): Promise<void> {
    await post('/logout').catch(() => {});
    person = null;
    stage = 'signed_out';
  },
};
