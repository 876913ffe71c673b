import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The development server hands API calls to a running box; `make run` starts one with a town.
const box = process.env.LINEBOX_URL ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // Inlined files would need data: in the page's content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // What every page needs comes in one file rather than in twenty.
    rollupOptions: {
      output: {
        manualChunks(id) {
          if (id.includes('node_modules/svelte') || id.includes('node_modules/esm-env')) return 'svelte';
          return /\/src\/[^/]+\.svelte\.ts$|\/src\/api\/|\/part\/(Problem|Field|Empty|Dialog|Ask|Mark|State)\./.test(id)
            ? 'house' : undefined;
        },
      },
    },
  },
  server: { proxy: { '/api': { target: box, ws: true } } },
});
