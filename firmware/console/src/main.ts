import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { language } from './language.svelte';
import './theme.svelte';

// After an update of the box its old page files are gone: a page that asks for one starts anew.
addEventListener('vite:preloadError', (event) => {
  event.preventDefault();
  location.reload();
});

await language.start();
const target = document.getElementById('app');
if (target) mount(App, { target });
