//! The top of the page: what it is about, the score, and what makes it too good.

use maud::{Markup, html};

use super::super::decided::standard_error;
use super::super::facts::{About, Facts, Submitted};
use super::super::markup::percent;
use super::Section;
use super::answers::answered;
use crate::decide::Decision;
use crate::run::{Epoch, Stage};
use crate::target::TargetKind;
use crate::term;

pub(in super::super) fn head(facts: &Facts, sections: &[Section]) -> Markup {
    let about = &facts.about;
    html! {
        header {
            h1 { (about.title) }
            p.lead {
                (which(about)) ", finished " (day(&about.finished)) "."
            }
            (figures(facts))
            @if let Some(leak) = &facts.leak {
                div.note { p { strong { "These scores are too good. " } (leak) } }
            }
            nav { @for section in sections { a href=(format!("#{}", section.id)) { (section.title) } } }
        }
    }
}

/// The top of the page of a run that is trained.
pub(in super::super) fn training(facts: &Facts, stage: Option<Stage>) -> Markup {
    let about = &facts.about;
    html! {
        header {
            h1 { (about.title) }
            p.lead {
                (which(about)) ", is being trained on " (about.device)
                @if let Some(stage) = stage { ": step " (stage.number()) ", " (stage.title()) }
                ". This page is written anew as epochs end; pictures and scores come when training is done."
            }
            aside.figures {
                @if let Some(Epoch { epoch, stage, score, .. }) = facts.epochs.last() {
                    div.score { b { (format!("{:.4}", score.loss)) } span { "validation loss, epoch " (epoch) " of " (stage.title()) } }
                    @if score.metric.is_finite() {
                        div { b { (format!("{:.4}", score.metric)) } span { (about.metric.title()) } }
                    }
                }
                (images(about))
            }
        }
    }
}

/// How many images judge, and how many it learnt from.
fn images(about: &About) -> Markup {
    let all = about.train_images + about.valid_images;
    html! {
        div {
            b { (term::thousands(about.valid_images)) }
            span {
                @if let Some(plan) = &about.refit {
                    "images held out by " code { (plan) } ", by whose plan all " (term::thousands(all))
                    " are trained on"
                } @else {
                    "images held out, " (term::thousands(about.train_images)) " trained on"
                }
            }
        }
    }
}

/// The run, and the network that it trains.
fn which(about: &About) -> Markup {
    html! {
        "Run " code { (about.run) } ", " (fold(about)) (about.backbone) " at " (about.size) " pixels"
    }
}

fn fold(about: &About) -> String {
    about.fold.map(|(fold, folds)| format!("fold {fold} of {folds}, ")).unwrap_or_default()
}

pub(in super::super) fn figures(facts: &Facts) -> Markup {
    let about = &facts.about;
    let seconds: f64 = facts.epochs.iter().map(|epoch| epoch.seconds).sum();
    html! {
        aside.figures {
            (score(facts))
            (submitted(facts))
            (of_answers(facts))
            (images(about))
            div {
                b { (term::duration(about.seconds)) }
                span {
                    "on " (about.device)
                    @if !facts.epochs.is_empty() {
                        "; " (term::count(facts.epochs.len(), "epoch")) " in " (term::duration(seconds))
                    }
                }
            }
        }
    }
}

/// The score on held-out images, with how far it can be trusted where that is known.
fn score(facts: &Facts) -> Markup {
    let about = &facts.about;
    let error = standard_error(facts);
    html! {
        div.score {
            b { (format!("{:.5}", about.score)) }
            span {
                @if let Some(error) = error { "± " (format!("{error:.5}")) " (standard error), " }
                (about.metric.title())
            }
        }
    }
}

/// What Kaggle said of it.
fn submitted(facts: &Facts) -> Markup {
    let Some(Submitted { public, private, place }) = &facts.submitted else { return html! {} };
    html! {
        @if let Some(score) = public {
            div {
                b { (format!("{score:.5}")) }
                span { "public score on Kaggle" @if let Some(place) = place { ", " (place) } }
            }
        }
        @if let Some(score) = private {
            div { b { (format!("{score:.5}")) } span { "private score on Kaggle" } }
        }
    }
}

/// The score in words that need no getting used to.
fn of_answers(facts: &Facts) -> Markup {
    let Some(validation) = facts.validation.as_ref().filter(|validation| !validation.is_empty())
    else {
        return html! {};
    };
    if validation.kind == TargetKind::MultiLabel {
        return html! {
            @if let Some(Decision::Tags(tags)) = &facts.decision {
                div { b { (tags.chosen.method) } span { "decides about tags" } }
            }
        };
    }
    if validation.kind == TargetKind::Number {
        return html! {};
    }
    let answered = answered(validation, facts.decision.as_ref());
    let n_wrong = answered.iter().zip(validation.classes_true()).filter(|(a, b)| *a != b).count();
    let accuracy = 1.0 - n_wrong as f64 / validation.len() as f64;
    html! {
        div {
            b { (percent(accuracy)) }
            span { "named right, " (term::thousands(n_wrong)) " wrong" }
        }
    }
}

/// The day and minute of a time stamp, as it was written.
fn day(stamp: &str) -> String {
    let (day, time) = stamp.split_once('T').unwrap_or((stamp, ""));
    let minute: String = time.chars().take(5).collect();
    if minute.is_empty() { day.to_owned() } else { format!("{day} at {minute} UTC") }
}
