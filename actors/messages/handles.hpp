// The protocol: every actor's typed interface, one line per message. Their fields are in
// messages.hpp.
//
//   front ──SubmitTask──▶ broker ──spawns──▶ task ──ReserveTurn──▶ profile ──AcquireLease──▶
//   directory
//     ▲                                      │ ▲ ◀──TurnGranted──┘    ▲ ◀──LeaseGranted──────┘
//     └──TaskBegan, TaskData, TaskEnded──────┘ │                      └──LeaveProfile── task
//                                       RunTask│▲ BackendReport
//                                              ▼│
//                                           executor
#pragma once

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace signalbox::actors {

// To whoever watches a task.
struct TaskRefused;
struct TaskAccepted;
struct TaskBegan;
struct TaskData;
struct TaskMoved;
struct TaskReset;
struct TaskEnded;
// To the broker.
struct OpenHouse;
struct SubmitTask;
struct CallerGone;
struct CancelTask;
struct WatchTask;
struct TaskActorGone;
struct OrderEnd;
struct BacklogGranted;
struct RoutingChanged;
struct ListAgents;
struct GetAgent;
struct PutAgent;
struct DeleteAgent;
struct ConfigureProfile;
struct ApplyProfiles;
struct ConfigurePool;
struct ApplyPools;
struct ListProfiles;
struct GetProfile;
struct FindPositions;
struct BeginDrain;
struct ShelveTasks;
// To a profile.
struct ReserveTurn;
struct EnqueueTurn;
struct WatchTurn;
struct UnwatchTurn;
struct RequeueTurn;
struct KeepTurn;
struct LeaveProfile;
struct RestoreTurns;
struct CapacityChanged;
struct DeadlineTick;
struct GetOccupancy;
struct Reconfigure;
struct FindPosition;
// To a task.
struct TurnReserved;
struct TurnRefused;
struct TurnGranted;
struct YieldTurn;
struct LeftProfile;
struct TurnUnwatched;
struct LeaseWithdrawn;
struct Retire;
struct BudgetExpired;
struct BackendReport;
struct RetryTick;
struct AbortTick;
struct ShelveTask;
struct AddListener;
struct RemoveListener;
struct EndTask;
// To the directory, and its answers.
struct AcquireLease;
struct WithdrawLease;
struct ReleaseLease;
struct SetChoices;
struct ListPools;
struct LineTick;
struct PutLlms;
struct SetBackendStatus;
struct ListLlms;
struct LeaseGranted;
struct LeaseParked;
struct LeaseStillParked;
struct LeaseRefused;
struct ClaimLlms;
struct LlmsClaimed;
struct RemoveExecutor;
struct WakeFailed;
// To an executor.
struct RunTask;
struct AbortTask;
struct WakeLlm;
struct LlmTaken;
struct ResultStored;
struct HealthTick;
struct ModelsListed;
struct CallEnded;
struct TokenTick;
struct LosePlaybacks;
// To the store, and its answers.
struct StoreWrite;
struct FlushStore;
struct StoreAnswer;
struct MeasureCommits;
// To metrics, and to those who watch calls.
struct CallChanged;
struct ListCalls;
struct CollectCalls;
struct SaveCalls;
struct WriteTick;
struct CommitMeasured;
struct GetFigures;
struct WatchCalls;
struct UnwatchCalls;
// To a plugin's actor, from its threads.
struct OfferLlm;
struct SubmitWish;
struct CancelWish;
struct AcquireWish;
struct WatchWish;
struct CallLater;
struct LaterTick;
struct WithdrawPlugin;
// To whoever holds a worker's channel.
struct ChannelOpened;
struct WorkerFrame;
struct ChannelClosed;
// To the registrar and its sessions.
struct RegisterWorker;
struct BindWorker;
struct UnbindWorker;
struct WorkerHeartbeat;
struct WorkerChunks;
struct WorkerResult;
struct DrainWorker;
struct LeaveWorker;
struct GetWorker;
struct ListWorkers;
struct CollectSessions;
struct SessionTick;
struct SessionEnded;
// About slots.
struct AcquireSlot;
struct MarkSlot;
struct RenewSlot;
struct ReleaseSlot;
struct DropSlot;
struct EndSlot;
struct SlotTick;
struct SlotGone;
struct SlotWaiting;
struct SlotAdmitted;
struct SlotEnded;
// About push workers.
struct HearPushWorker;
struct StaleTick;
struct PushAnswer;
// To the collector.
struct CollectTick;

// Answers of requests.
struct ProfileStatus;
struct ProfileList;
struct LlmList;
struct PoolList;
struct CallPage;
struct Figures;
struct Positions;
struct AgentAnswer;
struct AgentList;
struct SlotAnswer;
struct SessionAnswer;
struct WorkerReply;
struct WorkerList;
struct Done;

/// Watches tasks: told what becomes of each call it made, by the call number it chose.
using TaskListener =
    caf::typed_actor<caf::reacts_to<TaskRefused>,   // it was not accepted; nothing was kept
                     caf::reacts_to<TaskAccepted>,  // its row is durable
                     caf::reacts_to<TaskBegan>,   // a stream begins: status and headers may go out
                     caf::reacts_to<TaskData>,    // the next events of the stream
                     caf::reacts_to<TaskMoved>,   // observers: it is in another state
                     caf::reacts_to<TaskReset>,   // observers: the stream starts over
                     caf::reacts_to<TaskEnded>>;  // its end is durable; nothing comes after

/// Asks the directory for leases.
using LeaseClient =
    caf::typed_actor<caf::reacts_to<LeaseGranted>,  // this backend is yours until released
                     caf::reacts_to<LeaseParked>,   // no room now; the lease comes when there is
                     caf::reacts_to<LeaseStillParked>,  // it waits for something else now
                     caf::reacts_to<LeaseRefused>>;     // none will come: ask again later

/// Told what became of its writes, in the order they were sent.
using StoreClient = caf::typed_actor<caf::reacts_to<StoreAnswer>>;

/// The only writer of the store.
using StoreActor =
    caf::typed_actor<caf::reacts_to<StoreWrite>,  // goes into the next commit
                     caf::reacts_to<FlushStore>,  // to itself: all that came before is one batch
                     caf::reacts_to<MeasureCommits>>;  // say how long each commit takes

/// Told what became of a result it brought.
using ResultClient = caf::typed_actor<caf::reacts_to<ResultStored>>;

/// Whoever takes part in the admission of a profile: a task, or a slot.
using TurnClient = caf::typed_actor<
    caf::reacts_to<TurnReserved>,    // a place in the queue's bound is taken: make it durable
    caf::reacts_to<TurnRefused>,     // queue_full; or it has left the queue: nobody can run it
    caf::reacts_to<TurnGranted>,     // a slot, and for a task a backend: run
    caf::reacts_to<YieldTurn>,       // to a background task: go back to pending, another needs it
    caf::reacts_to<LeftProfile>,     // no grant can come any more
    caf::reacts_to<BudgetExpired>>;  // queue wait or inference is over

/// One task that someone waits for, or that has a slot.
using TaskActor = LeaseClient::extend_with<StoreClient>::extend_with<TurnClient>::extend<
    caf::reacts_to<TurnUnwatched>,   // a grant would go to the broker now
    caf::reacts_to<LeaseWithdrawn>,  // no lease can come any more
    caf::reacts_to<Retire>,          // from the broker: nothing is on its way to you, go
    caf::reacts_to<BackendReport>,   // what the backend says
    caf::reacts_to<RetryTick>,       // to itself: the pause before the next attempt is over
    caf::reacts_to<AbortTick>,       // to itself: the backend did not confirm the abort in time
    caf::reacts_to<AddListener>,     // one more watches
    caf::reacts_to<RemoveListener>,  // one less; an attended task nobody is left for is cancelled
    caf::reacts_to<EndTask>,         // cancelled, or expired, by someone
    caf::replies_to<ShelveTask>::with<Done>>;  // the broker stops: what runs is pending again

/// Told what becomes of the slot it asked for, by the call number it chose.
using SlotListener =
    caf::typed_actor<caf::reacts_to<SlotWaiting>,   // where it stands in the queue
                     caf::reacts_to<SlotAdmitted>,  // it is yours
                     caf::reacts_to<SlotEnded>>;    // refused, given back or taken back

/// What the holder of a slot can ask.
using SlotDesk = caf::typed_actor<caf::replies_to<MarkSlot>::with<SlotAnswer>,
                                  caf::replies_to<RenewSlot>::with<SlotAnswer>,
                                  caf::replies_to<ReleaseSlot>::with<SlotAnswer>>;

/// A slot that an app waits for or holds, for a call it makes itself.
using SlotActor = TurnClient::extend_with<SlotDesk>::extend<
    caf::reacts_to<DropSlot>,  // its holder's connection, or handle, is gone
    caf::reacts_to<EndSlot>,   // taken back
    caf::reacts_to<SlotTick>,  // to itself: the lease may be over, or a place in the queue is due
    caf::reacts_to<Retire>>;   // from the broker: nothing is on its way to you, go

/// Slots and queues of one profile.
using ProfileActor = LeaseClient::extend<
    caf::reacts_to<ReserveTurn>,   // a place please (answered TurnReserved or TurnRefused)
    caf::reacts_to<EnqueueTurn>,   // its row is durable: it may be granted
    caf::reacts_to<WatchTurn>,     // a backlog task got an actor: grant to that
    caf::reacts_to<UnwatchTurn>,   // ... and has none again (answered TurnUnwatched)
    caf::reacts_to<RequeueTurn>,   // gives its slot back and waits again, at its old place
    caf::reacts_to<KeepTurn>,      // was told to yield, and cannot
    caf::reacts_to<LeaveProfile>,  // leaves the queue (answered LeftProfile) or gives its slot back
    caf::reacts_to<RestoreTurns>,  // pending tasks found at start, in order
    caf::reacts_to<CapacityChanged>,  // live backends behind a target
    caf::reacts_to<DeadlineTick>,     // to itself
    caf::replies_to<GetOccupancy>::with<ProfileStatus>,
    caf::replies_to<Reconfigure>::with<ProfileStatus>,
    caf::replies_to<FindPosition>::with<Positions>>;

/// Runs calls on backends: an upstream, a worker session, a plugin. Reports to the task by
/// BackendReport.
using ExecutorActor =
    caf::typed_actor<caf::reacts_to<RunTask>,    // run this under this claim
                     caf::reacts_to<AbortTask>,  // stop it; ends with a report all the same
                     caf::reacts_to<WakeLlm>,    // somebody waits for this one, which sleeps
                     caf::reacts_to<LlmTaken>>;  // another offers it now

/// An upstream server behind the Backend port.
using UpstreamActor =
    ExecutorActor::extend<caf::reacts_to<HealthTick>,    // to itself: ask for the models again
                          caf::reacts_to<ModelsListed>,  // the answer
                          caf::reacts_to<CallEnded>>;    // how a call ended, for its health

/// A backend inside the process that plays what a script says: the built-in echo, and simulated
/// servers.
using PlaybackActor =
    ExecutorActor::extend<caf::reacts_to<TokenTick>,       // to itself: the next token is due
                          caf::reacts_to<LosePlaybacks>>;  // whoever played them is gone

/// Who can run what.
using DirectoryActor =
    caf::typed_actor<caf::reacts_to<AcquireLease>,   // answered LeaseGranted or LeaseParked
                     caf::reacts_to<WithdrawLease>,  // no longer wanted (answered LeaseWithdrawn)
                     caf::reacts_to<ReleaseLease>,   // the call is over
                     caf::reacts_to<PutLlms>,        // an executor and all it can run
                     caf::reacts_to<SetBackendStatus>,               // an executor comes or goes
                     caf::replies_to<ClaimLlms>::with<LlmsClaimed>,  // a session asks for names
                     caf::reacts_to<RemoveExecutor>,                 // it will not come back
                     caf::reacts_to<WakeFailed>,                     // who waits for it is told
                     caf::reacts_to<SetChoices>,  // how pools choose among their backends
                     caf::reacts_to<LineTick>,    // to itself: somebody in line may be served
                     caf::replies_to<ListLlms>::with<LlmList>,
                     caf::replies_to<ListPools>::with<PoolList>>;

/// Told each row that changes, as it is then.
using CallWatcher = caf::typed_actor<caf::reacts_to<CallChanged>>;

/// Call rows, and the figures of all calls.
using MetricsActor = StoreClient::extend<
    caf::reacts_to<CallChanged>,   // a row as it is now
    caf::reacts_to<CollectCalls>,  // from the collector
    caf::reacts_to<WriteTick>,     // to itself: what has ended meanwhile goes to the store
    caf::replies_to<SaveCalls>::with<Done>,  // the house closes: send all of it to the store now
    caf::replies_to<ListCalls>::with<CallPage>,
    caf::reacts_to<CommitMeasured>,  // from the store
    caf::replies_to<GetFigures>::with<Figures>,
    caf::replies_to<WatchCalls>::with<Done>,  // rows are passed on from here on
    caf::reacts_to<UnwatchCalls>>;

/// The other end of a worker's connection.
using WorkerChannel = caf::typed_actor<caf::reacts_to<ChannelOpened>, caf::reacts_to<WorkerFrame>,
                                       caf::reacts_to<ChannelClosed>>;

/// What a worker can ask of its session.
using SessionActor = caf::typed_actor<
    caf::reacts_to<BindWorker>,    // opens its channel, closes the one before
    caf::reacts_to<UnbindWorker>,  // the connection is gone: held tasks go back
    caf::replies_to<RegisterWorker>::with<SessionAnswer>,  // offers these LLMs from now on
    caf::replies_to<WorkerHeartbeat>::with<SessionAnswer>,
    caf::replies_to<WorkerChunks>::with<WorkerReply>,
    caf::replies_to<WorkerResult>::with<WorkerReply>,  // answered when it is durable
    caf::replies_to<DrainWorker>::with<SessionAnswer>,
    caf::replies_to<LeaveWorker>::with<SessionAnswer>,  // leaves in good order, and ends
    caf::replies_to<GetWorker>::with<SessionAnswer>>;

/// One worker's session: an executor whose calls go out over the worker's channel.
using WorkerSessionActor =
    ExecutorActor::extend_with<SessionActor>::extend_with<ResultClient>::extend_with<
        StoreClient>::extend<caf::reacts_to<SessionTick>,  // to itself: something is due
                             caf::reacts_to<BeginDrain>>;  // the broker stops

/// The desk that hears push workers, and the executor of all of them: they are servers, and cost
/// nothing while they have no work.
using PushDeskActor =
    ExecutorActor::extend<caf::reacts_to<OpenHouse>,  // first of all
                          caf::reacts_to<CallEnded>,  // to itself: how a call ended
                          caf::reacts_to<StaleTick>,  // to itself: one may have been silent for too
                                                      // long
                          caf::reacts_to<CollectSessions>,  // from the collector
                          caf::replies_to<HearPushWorker>::with<PushAnswer>,
                          caf::replies_to<ListWorkers>::with<WorkerList>>;

/// The desk where workers register: makes sessions, finds them, remembers them over restarts.
using RegistrarActor = SessionActor::extend<
    caf::reacts_to<OpenHouse>,        // first of all: take up the sessions of the store
    caf::reacts_to<SessionEnded>,     // from a session: it is over
    caf::reacts_to<CollectSessions>,  // from the collector
    caf::reacts_to<BeginDrain>, caf::replies_to<ListWorkers>::with<WorkerList>>;

/// Ends what waited too long and deletes what is old, in slices.
using GcActor = StoreClient::extend<caf::reacts_to<CollectTick>>;

/// A plugin's place in the house: speaks for it, and hands on what it is told.
using PluginActor = TaskListener::extend_with<SlotListener>::extend_with<CallWatcher>::extend<
    caf::reacts_to<OfferLlm>,         // the plugin answers calls for this one
    caf::reacts_to<SubmitWish>,       // a task of its own
    caf::reacts_to<CancelWish>,       // ... which is to end
    caf::reacts_to<AcquireWish>,      // a slot, for a call it makes itself
    caf::reacts_to<MarkSlot>,         // about a slot it holds
    caf::reacts_to<ReleaseSlot>,      // it gives one back
    caf::reacts_to<WatchWish>,        // it wants to know of every call
    caf::reacts_to<CallLater>,        // it wants to be called
    caf::reacts_to<LaterTick>,        // to itself: now
    caf::reacts_to<WithdrawPlugin>>;  // it failed to start: nothing of it stays

/// The root: makes and finds the others.
using BrokerActor = StoreClient::extend_with<SlotDesk>::extend<
    caf::reacts_to<AcquireSlot>,     // an app asks for a slot
    caf::reacts_to<DropSlot>,        // whoever asked for it is gone
    caf::reacts_to<SlotGone>,        // a slot's actor is done
    caf::reacts_to<OpenHouse>,       // first of all: the others are there, take up the backlog
    caf::reacts_to<SubmitTask>,      // a new call
    caf::reacts_to<CallerGone>,      // a listener's client hung up
    caf::reacts_to<WatchTask>,       // follow a task that is there
    caf::reacts_to<TaskActorGone>,   // a task's actor is done
    caf::reacts_to<OrderEnd>,        // cancel or expire a task
    caf::reacts_to<BacklogGranted>,  // a task without an actor got its turn
    caf::reacts_to<RoutingChanged>,  // who can run what, anew
    caf::reacts_to<BeginDrain>,      // accept no more
    caf::replies_to<ShelveTasks>::with<Done>,  // all that runs is pending again, then stop
    caf::replies_to<CancelTask>::with<Done>, caf::replies_to<ConfigureProfile>::with<ProfileStatus>,
    caf::replies_to<ApplyProfiles>::with<Done>, caf::replies_to<ListProfiles>::with<ProfileList>,
    caf::replies_to<GetProfile>::with<ProfileStatus>, caf::replies_to<ConfigurePool>::with<Done>,
    caf::replies_to<ApplyPools>::with<Done>, caf::replies_to<FindPositions>::with<Positions>,
    caf::replies_to<ListAgents>::with<AgentList>, caf::replies_to<GetAgent>::with<AgentAnswer>,
    caf::replies_to<PutAgent>::with<AgentAnswer>, caf::replies_to<DeleteAgent>::with<AgentAnswer>>;

}  // namespace signalbox::actors
