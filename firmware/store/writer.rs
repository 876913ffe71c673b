//! The one thread that writes. Jobs that wait while the disk syncs go together in the next
//! transaction, so a hundred claims cost one fsync.
//!
//! Two bounded queues: *urgent* (somebody waits for it) and *bulk* (import chunks). A group takes
//! all that is urgent and at most one bulk job, so a million rows delay a claim by one chunk. A
//! full queue is told to the submitter at once; nobody ever waits to submit. Answers come after
//! the commit, on the writer's thread: a callback must be short and must not submit and wait.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;

use crate::error::{Error, Result};
use crate::job::{Applied, Job};
use crate::limits::{BULK_JOBS_MAX, GROUP_JOBS_MAX, URGENT_JOBS_MAX};
use crate::store::Store;

type Answer = Box<dyn FnOnce(Result<Applied>) + Send>;

/// Submits jobs to the writer's thread. Cloning shares it; the thread ends, after all that was
/// submitted, with [`Writer::stop`].
#[derive(Clone)]
pub struct Writer {
    shared: Arc<Shared>,
}

/// The promise of one answer.
#[derive(Debug)]
pub struct Ticket(mpsc::Receiver<Result<Applied>>);

/// The writer's thread.
#[derive(Debug)]
pub struct WriterThread(JoinHandle<Store>);

struct Shared {
    queues: Mutex<Queues>,
    arrived: Condvar,
}

#[derive(Default)]
struct Queues {
    urgent: VecDeque<(Job, Answer)>,
    bulk: VecDeque<(Job, Answer)>,
    stopping: bool,
}

/// How many jobs wait, for the health answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Waiting {
    /// Of [`URGENT_JOBS_MAX`].
    pub urgent: usize,
    /// Of [`BULK_JOBS_MAX`].
    pub bulk: usize,
}

impl Writer {
    /// Gives the store to a thread of its own.
    ///
    /// # Errors
    /// When the kernel gives no thread.
    pub fn start(store: Store) -> Result<(Writer, WriterThread)> {
        let shared =
            Arc::new(Shared { queues: Mutex::new(Queues::default()), arrived: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || write_until_stopped(&theirs, store))
            .map_err(|e| Error::DiskFailed(format!("no thread: {e}")))?;
        Ok((Writer { shared }, WriterThread(thread)))
    }

    /// Submits a job; the ticket gets the answer.
    ///
    /// # Errors
    /// [`Error::QueueFull`] or [`Error::Stopped`]: the job was not taken.
    pub fn submit(&self, job: Job) -> Result<Ticket> {
        let (sender, receiver) = mpsc::sync_channel(1);
        // Whoever has dropped the ticket does not want the answer.
        self.submit_with(job, move |answer| drop(sender.try_send(answer)))?;
        Ok(Ticket(receiver))
    }

    /// Submits a job; `answer` is called on the writer's thread after the commit. It must be
    /// short (send into a channel). It is called exactly once if this returns `Ok`.
    ///
    /// # Errors
    /// As [`Writer::submit`]; `answer` is not called then.
    pub fn submit_with(
        &self,
        job: Job,
        answer: impl FnOnce(Result<Applied>) + Send + 'static,
    ) -> Result<()> {
        let mut queues = self.shared.queues();
        if queues.stopping {
            return Err(Error::Stopped);
        }
        let (queue, max) = if job.is_bulk() {
            (&mut queues.bulk, BULK_JOBS_MAX)
        } else {
            (&mut queues.urgent, URGENT_JOBS_MAX)
        };
        if queue.len() >= max {
            return Err(Error::QueueFull(queue.len()));
        }
        queue.push_back((job, Box::new(answer)));
        drop(queues);
        self.shared.arrived.notify_one();
        Ok(())
    }

    /// How many jobs wait.
    #[must_use]
    pub fn waiting(&self) -> Waiting {
        let queues = self.shared.queues();
        Waiting { urgent: queues.urgent.len(), bulk: queues.bulk.len() }
    }

    /// Takes no more jobs; what was submitted is still written and answered.
    pub fn stop(&self) {
        self.shared.queues().stopping = true;
        self.shared.arrived.notify_one();
    }
}

impl Ticket {
    /// Waits for the answer. Blocks: not for the reactor, and not for a callback.
    ///
    /// # Errors
    /// What the job met, or [`Error::Stopped`] when the writer died.
    pub fn wait(self) -> Result<Applied> {
        self.0.recv().unwrap_or(Err(Error::Stopped))
    }
}

impl WriterThread {
    /// Waits until the writer has stopped, and takes the store back.
    ///
    /// # Errors
    /// [`Error::Bug`] when the thread panicked.
    pub fn join(self) -> Result<Store> {
        self.0.join().map_err(|_| Error::Bug("the writer's thread panicked".into()))
    }
}

impl Shared {
    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next group, or `None` when it is time to stop and nothing waits.
    fn next_group(&self) -> Option<Vec<(Job, Answer)>> {
        let mut queues = self.queues();
        loop {
            let urgent = queues.urgent.len().min(GROUP_JOBS_MAX);
            let mut group: Vec<_> = queues.urgent.drain(..urgent).collect();
            group.extend(queues.bulk.pop_front());
            if !group.is_empty() {
                return Some(group);
            }
            if queues.stopping {
                return None;
            }
            queues = self.arrived.wait(queues).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn write_until_stopped(shared: &Shared, mut store: Store) -> Store {
    let _refuse = RefuseRest(shared);
    while let Some(group) = shared.next_group() {
        let (jobs, answers): (Vec<Job>, Vec<Answer>) = group.into_iter().unzip();
        let results = store.apply_group(&jobs);
        for (answer, result) in answers.into_iter().zip(results) {
            answer(result);
        }
    }
    store
}

/// However the thread ends, nobody waits for an answer that cannot come.
struct RefuseRest<'s>(&'s Shared);

impl Drop for RefuseRest<'_> {
    fn drop(&mut self) {
        let mut queues = self.0.queues();
        queues.stopping = true;
        let urgent = core::mem::take(&mut queues.urgent);
        let bulk = core::mem::take(&mut queues.bulk);
        drop(queues);
        for (_, answer) in urgent.into_iter().chain(bulk) {
            answer(Err(Error::Stopped));
        }
    }
}
