// Who is signed in, and which pages that person has.

import { Refusal, get, post, watchRefusals } from './api/client';
import type { Me, Right } from './api/types';
import { language } from './language.svelte';

type Stage = 'asking' | 'unreachable' | 'signed_out' | 'must_change' | 'signed_in';

let person = $state.raw<Me | null>(null);
let stage = $state<Stage>('asking');
/** The session ended while somebody worked with it. */
let ended = $state(false);

function enter(entering: Me): void {
  person = entering;
  ended = false;
  stage = entering.must_change_password ? 'must_change' : 'signed_in';
  if (!language.chosen && entering.language !== language.now) void language.use(entering.language, false);
}

watchRefusals((refusal: Refusal) => {
  // A wrong password is a 401 too, but the session goes on.
  if (refusal.code === 'not_signed_in' && stage !== 'asking') {
    ended = person !== null || ended;
    person = null;
    stage = 'signed_out';
  }
  if (refusal.code === 'must_change_password') stage = 'must_change';
});

export const session = {
  get person(): Me | null {
    return person;
  },
  get stage(): Stage {
    return stage;
  },
  get ended(): boolean {
    return ended;
  },
  may(right: Right): boolean {
    return person?.rights.includes(right) ?? false;
  },

  async ask(): Promise<void> {
    try {
      enter((await get<{ person: Me }>('/me')).person);
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
    enter((await post<{ person: Me }>('/login', { name, password })).person);
  },
  async changePassword(old: string, fresh: string): Promise<void> {
    await post('/me/password', { old, new: fresh });
    await session.ask();
  },
  async signOut(): Promise<void> {
    await post('/logout').catch(() => {});
    person = null;
    ended = false;
    stage = 'signed_out';
  },
};
